const login = require('./utils/login');

App({
  onLaunch() {
    // In onLaunch, not in onShow, because WeChat limits the calls of wx.login. The first page does not wait for it.
    login.ensureLogin().catch((error) => console.warn('登录失败：', error.message));
  },
});
