// The client of the backend. Taro is no global, so it is passed. In a mini program the client uses Taro.login.
import Taro from '@tarojs/taro'
import { createLogin } from 'weapp-login'

const options = { baseUrl: 'http://localhost:3000', platform: Taro }
if (process.env.TARO_ENV === 'h5') {
  // A web page has no login API. With a simulated WeChat, any text is a code.
  options.login = () => 'the code is a mock one'
}

export const { request, login, logout, onChange } = createLogin(options)
