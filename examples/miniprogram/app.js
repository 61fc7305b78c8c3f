const login = require('./utils/login');

App({
  onLaunch() {
    // Once per start and not in onShow: WeChat limits wx.login. The first page does not wait for it.
    login.ensureLogin().catch((error) => console.warn('登录失败：', error.message));
  },
});
