// The client of the backend. In a mini program it uses uni.login.
import { createLogin } from 'weapp-login'

const options = { baseUrl: 'http://localhost:3000' }
// #ifdef H5
// A web page has no login API. With a simulated WeChat, any text is a code.
options.login = () => 'the code is a mock one'
// #endif

export const { request, login, logout, onChange } = createLogin(options)
